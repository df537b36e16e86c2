"""The GraphQL contract: what may be asked, and how an answer is put together."""
