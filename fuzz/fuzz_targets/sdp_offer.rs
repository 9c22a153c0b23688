#![no_main]

libfuzzer_sys::fuzz_target!(init: {
    let _ = gst::init();
}, |data: &[u8]| gstegldesktop::fuzz::sdp_offer(data));
