"""The models of Glassbox and the ways to look into them. Knows nothing of Streamlit or Plotly."""
