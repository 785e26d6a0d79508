"""What is common to all pages of Admin: where each stands in the sidebar, and how it looks."""
