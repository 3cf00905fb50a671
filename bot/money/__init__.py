"""Money: what calls may cost, who set which limit, and the purse that keeps the book."""
