"""Charts as SVG text, drawn on the server by functions of numbers and labels. Nothing in them comes from elsewhere."""
