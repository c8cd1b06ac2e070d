"""Back ends that ask another model: the chat model with examples, a guard model, a classifier of Hugging Face."""
