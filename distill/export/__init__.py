"""What a user takes home: the student as ONNX, the file that loads it, its card and its manifest."""
