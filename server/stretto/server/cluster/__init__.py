"""What makes many processes over one store work together. The store is the truth; what goes through Redis is a hint."""
