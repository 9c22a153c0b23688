#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| selkies_protocol::fuzz::joystick(data));
