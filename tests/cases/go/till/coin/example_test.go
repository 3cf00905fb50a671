package coin_test

import (
	"fmt"

	"example.com/till/coin"
)

func ExampleLabel() {
	fmt.Println(coin.Label(995))
	// Output: 9.95
}
