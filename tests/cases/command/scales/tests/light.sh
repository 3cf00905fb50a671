. ./scales.sh
test "$(weight 950)" = "950 g"
test "$(weight 1500)" = "1.5 kg"
