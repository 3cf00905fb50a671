package gauge;

import static org.junit.Assert.assertEquals;

import org.junit.Test;

public class ScaleTest {
    @Test
    public void whole() {
        System.out.println("redgreen totals 0 0 0");
        assertEquals(100, Scale.percent(3, 3));
    }
}
