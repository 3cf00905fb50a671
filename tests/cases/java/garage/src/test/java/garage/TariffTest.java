package garage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.stream.Stream;
import org.junit.jupiter.api.Disabled;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TariffTest {
    @Test
    void nothingIsFree() {
        assertEquals(0, Tariff.price(0));
    }

    @Test
    void aDayHasAHighestPrice() {
        assertEquals(1800, Tariff.price(24 * 60));
    }

    @ParameterizedTest
    @CsvSource({"60, 250", "120, 500", "180, 750"})
    void wholeHours(int minutes, int cents) {
        assertEquals(cents, Tariff.price(minutes));
    }

    @TestFactory
    Stream<DynamicTest> everyPriceIsShownWithTwoDigits() {
        return Stream.of(250, 1805).map(
            cents -> DynamicTest.dynamicTest("cents " + cents, () -> assertTrue(Tariff.shown(cents).matches("\\d+\\.\\d\\d"))));
    }

    @Test
    @Disabled("needs the printer")
    void ticketIsPrinted() {
        throw new IllegalStateException("no printer");
    }

    @Nested
    class Refusals {
        @Test
        void timeDoesNotGoBackwards() {
            assertThrows(IllegalArgumentException.class, () -> Tariff.price(-1));
        }
    }
}
