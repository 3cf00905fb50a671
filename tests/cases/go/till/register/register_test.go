package register

import (
	"errors"
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	os.Exit(m.Run())
}

func TestEmpty(t *testing.T) {
	var till Register
	if _, err := till.Take(1); !errors.Is(err, ErrEmpty) {
		t.Fatalf("Take(1) = %v", err)
	}
}

func TestTakeLowersTheAmount(t *testing.T) {
	var till Register
	till.Put(10)
	if _, err := till.Take(8); err != nil {
		t.Fatal(err)
	}
	if till.amount != 2 {
		t.Errorf("%d left, want 2", till.amount)
	}
}
