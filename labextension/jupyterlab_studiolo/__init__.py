"""The workspace side: a Jupyter server extension and its JupyterLab front end. Stands alone."""
