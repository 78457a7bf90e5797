"""Results as text, JSON and self-contained HTML: pure functions of saved results."""
