"""What runs models: the llama.cpp engine and its worker."""
