"""Charts as SVG text, drawn on the server by a few functions of numbers and labels. No fonts, scripts or files from elsewhere."""
