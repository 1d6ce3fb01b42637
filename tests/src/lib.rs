//! End-to-end suites stand in `e2e/`; this library is empty on purpose: cargo wants a target beside the tests.
