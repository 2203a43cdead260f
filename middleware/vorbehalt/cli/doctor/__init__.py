"""What `doctor` looks at: each check is a function from values to what it found."""
