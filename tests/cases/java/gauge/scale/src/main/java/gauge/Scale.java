package gauge;

/** Where on a scale from 0 to 100 a value stands. */
public final class Scale {
    private Scale() {
    }

    public static int percent(int value, int most) {
        return value / most * 100;
    }
}
