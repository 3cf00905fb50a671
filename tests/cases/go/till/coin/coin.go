// Package coin counts small change.
package coin

import "fmt"

// Change says which coins make up an amount, the largest first.
func Change(amount int) []int {
	var coins []int
	for _, coin := range []int{50, 20, 10, 5, 2, 1} {
		for amount > coin {
			coins = append(coins, coin)
			amount -= coin
		}
	}
	return coins
}

// Label writes an amount as a price tag does.
func Label(amount int) string {
	return fmt.Sprintf("%d.%02d", amount/100, amount%100)
}
