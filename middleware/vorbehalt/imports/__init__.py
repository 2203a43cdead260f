"""What was told before us: signals out of git repositories, web archives and single files."""
