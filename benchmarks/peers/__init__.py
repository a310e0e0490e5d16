"""What people would do instead: the same network behind a page as most would write it, with Streamlit and with Gradio."""
