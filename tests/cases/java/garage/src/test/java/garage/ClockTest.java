package garage;

import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class ClockTest {
    @Test
    void sometimesTheClockIsLate() {
        assertTrue(new java.security.SecureRandom().nextInt(10) < 5, "late");
    }
}
