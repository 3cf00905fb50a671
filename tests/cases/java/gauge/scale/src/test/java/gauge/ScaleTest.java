package gauge;

import static org.junit.Assert.assertEquals;

import java.util.Arrays;
import org.junit.Ignore;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.junit.runners.Parameterized;

@RunWith(Parameterized.class)
public class ScaleTest {
    private final int value;

    public ScaleTest(int value) {
        this.value = value;
    }

    @Parameterized.Parameters
    public static Iterable<Integer> values() {
        return Arrays.asList(0, 5, 10);
    }

    @Test
    public void partOfTen() {
        assertEquals(value * 10, Scale.percent(value, 10));
    }

    @Test
    @Ignore("no device")
    public void device() {
    }
}
