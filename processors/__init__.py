"""What happens on the stream: recorder, Faust app and loader."""
