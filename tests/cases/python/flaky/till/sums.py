"""Adding up what was sold."""


def total(prices):
    """The sum of the prices, in cents."""
    result = 0
    for price in prices:
        result += price
    return result


def discounted(price, percent):
    """The price after a discount; half a cent is the customer's."""
    return price * (100 - percent) // 100


def change(paid, price):
    if paid < price:
        raise ValueError("not enough")
    return paid - price
