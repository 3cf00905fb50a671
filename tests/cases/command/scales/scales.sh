# Grams as people write them: 950 g, 1.5 kg.

weight() {
    if [ "$1" -gt 1000 ]; then
        echo "$(( $1 / 1000 )).$(( $1 % 1000 / 100 )) kg"
    else
        echo "$1 g"
    fi
}
