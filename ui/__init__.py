"""Everything of Streamlit that two pages share."""
