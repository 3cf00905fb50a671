package garage;

/** What parking costs, in cents. */
public final class Tariff {
    private static final int HOUR = 250;
    private static final int DAY = 1800;

    private Tariff() {
    }

    /** Every hour that has begun is paid; a day costs at most {@code DAY}. */
    public static int price(int minutes) {
        if (minutes < 0) {
            throw new IllegalArgumentException("negative: " + minutes);
        }
        int hours = minutes / 60;
        return Math.min(hours * HOUR, DAY);
    }

    public static String shown(int cents) {
        return String.format("%d.%02d", cents / 100, cents % 100);
    }
}
