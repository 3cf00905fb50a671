use tide::{floats, next_high, PERIOD};

#[test]
fn deep_water() {
    assert!(floats(35, 2));
}

#[test]
fn second_high() -> Result<(), String> {
    match next_high(0, 10) {
        PERIOD => Ok(()),
        other => Err(format!("{other} is not the second high water")),
    }
}
