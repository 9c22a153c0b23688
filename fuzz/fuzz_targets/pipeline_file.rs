#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| egldesktop_launcher::fuzz::pipeline_file(data));
