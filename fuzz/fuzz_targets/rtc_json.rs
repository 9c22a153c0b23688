#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| gstegldesktop::fuzz::rtc_json(data));
