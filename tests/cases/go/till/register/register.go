// Package register is a till: what is in it, and what goes out of it.
package register

import (
	"errors"

	"example.com/till/coin"
)

// ErrEmpty says that there is less in the till than what was asked for.
var ErrEmpty = errors.New("the till is empty")

// Register holds an amount.
type Register struct{ amount int }

// Put adds to the till.
func (r *Register) Put(amount int) { r.amount += amount }

// Take takes an amount out in coins.
func (r *Register) Take(amount int) ([]int, error) {
	if amount > r.amount {
		return nil, ErrEmpty
	}
	r.amount -= amount
	return coin.Change(amount), nil
}
