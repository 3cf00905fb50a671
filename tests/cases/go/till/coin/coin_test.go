package coin

import "testing"

func TestLabel(t *testing.T) {
	for _, row := range []struct {
		name   string
		amount int
		want   string
	}{
		{"whole amounts", 300, "3.00"},
		{"cents", 7, "0.07"},
		{"both", 1234, "12.34"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := Label(row.amount); got != row.want {
				t.Errorf("Label(%d) = %q, want %q", row.amount, got, row.want)
			}
		})
	}
}

func TestNothingNeedsNoCoin(t *testing.T) {
	t.Parallel()
	if got := Change(0); len(got) != 0 {
		t.Errorf("Change(0) = %v", got)
	}
}

func TestMint(t *testing.T) {
	t.Skip("needs the mint")
}

func FuzzLabel(f *testing.F) {
	f.Add(100)
	f.Fuzz(func(t *testing.T, amount int) {
		if amount >= 0 && len(Label(amount)) < 4 {
			t.Errorf("Label(%d) is too short", amount)
		}
	})
}
