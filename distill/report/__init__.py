"""What a distillation proved: its figures, and the pages that show them."""
