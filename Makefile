# make run    everything from a bare Debian to a desktop at http://127.0.0.1:8080/
# make test   everything that has to hold before a change goes in; each step is a target of its own
# make test-container  builds the image and uses it in a browser, as a cluster runs it; needs root
# make bench  all that follows but gl, an hour, and puts it into docs/; SECTIONS="viewers quality" for some of it
# make bench-capture  what capturing costs, beside ximagesrc; BENCH="--help" tells what can be chosen, here and below
# make bench-desktop  a whole desktop in a browser, beside Selkies 2 and noVNC, which it installs (12 minutes)
# make bench-encoders  how far the picture is behind with each encoder on the CPU (10 minutes)
# make bench-gl  what converting costs on the GPU, beside the CPU
# make bench-input  how long a key takes from a viewer to an X client, beside xdotool and python-xlib
# make bench-narrow  full motion behind a narrow link, beside Selkies 2, which it installs (12 minutes)
# make bench-network  what a browser sees over bad networks, beside rtpgccbwe (7 minutes)
# make bench-quality  how good text is after motion, by bitrate (4 minutes)
# make bench-viewers  what each viewer costs (5 minutes)
# make bench-waterfall  where the time goes between the desktop's screen and the browser's (4 minutes)
# make bench-smoke  the ratios of a short run beside stored ones; says what moved (3 minutes)
# make soak   viewers come and go for MINUTES=10, then nothing may have grown
# make soak-asan  the same with AddressSanitizer and LeakSanitizer in the desktop
# make fuzz   fuzzers for everything that comes from outside, FOR=60 seconds each; TARGETS="http …" for some. Needs a nightly
# make miri   the protocol under Miri (3 minutes). Needs a nightly
.DELETE_ON_ERROR:
.PHONY: run build setup-run setup-container setup-test test test-container fmt clippy debug unit e2e web-test web-tools bench bench-build bench-peers bench-capture bench-desktop bench-encoders bench-gl bench-input bench-narrow bench-network bench-quality bench-smoke bench-viewers bench-waterfall soak soak-asan fuzz miri clean help

SHELL := /bin/bash
# Where rustup puts cargo, which a shell that is not a login shell does not know.
export PATH := $(PATH):$(HOME)/.cargo/bin
CARGO ?= cargo
TARGET := $(or $(CARGO_TARGET_DIR),target)

# The tests make network namespaces. Who is not root may do that as the root of a user namespace.
AS_ROOT := $(if $(filter 0,$(shell id -u)),,unshare --user --map-root-user)
# webrtcbin speaks UPnP on every interface that there is.
ALONE := $(AS_ROOT) unshare --net bash -c 'ip link set lo up && exec "$$@"' alone

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

run: build
	exec $(TARGET)/release/egldesktop

# The crate of the tests brings a WebDriver client, which is a third of all crates.
build: setup-run
	$(CARGO) build --release --workspace --exclude egldesktop-tests

setup-run:
	@scripts/setup.sh run

setup-container:
	@scripts/setup.sh container

setup-test:
	@scripts/setup.sh test

# The quick ones first.
test: setup-test
	$(MAKE) --no-print-directory fmt web-test clippy unit e2e

fmt:
	@$(call needs,cargo-fmt,rustfmt) $(CARGO) fmt --all --check

clippy:
	@$(call needs,cargo-clippy,clippy) $(CARGO) clippy --workspace --all-targets -- -D warnings

# Puts the plug-in beside the launcher, where the tests run the two; `cargo test` alone does not. The tests as well:
# they turn on features of the dependencies, and without them some twenty crates would be built a second time.
debug:
	$(CARGO) build --workspace --lib --bins --tests

unit:
	$(CARGO) test --workspace --lib --bins --no-run
	$(ALONE) $(CARGO) test --workspace --lib --bins
	$(CARGO) test --workspace --doc
	@if [ -e /dev/uinput ]; then $(AS_ROOT) $(CARGO) test --workspace --lib uinput -- --ignored; \
	  else echo "*** SKIPPED: no /dev/uinput: the devices of the kernel (counted as \"ignored\" above) are not tested ***" >&2; fi

e2e: debug web-tools
	$(AS_ROOT) $(CARGO) test --workspace --test '*'
	@if [ -e /dev/uinput ]; then $(AS_ROOT) $(CARGO) test -p egldesktop-tests --test elements devices -- --ignored; \
	  else echo "*** SKIPPED: no /dev/uinput: fingers, pens and fine wheels on Xorg (\"ignored\" above) are not tested ***" >&2; fi

# One at a time: they use the same port and the same name.
test-container: setup-container debug
	$(CARGO) test --workspace --test container -- --ignored --test-threads=1

web-test: web-tools
	node --test web/tests/*.test.js
	@$(call needs,npm,npm) npm --prefix web run check

# Types and accessibility are checked with tools from npm. Nothing that is served comes from there.
web-tools:
	@$(call needs,npm,npm) [[ web/node_modules/.package-lock.json -nt web/package-lock.json ]] || npm --prefix web ci

SECTIONS ?= capture desktop encoders input narrow network quality viewers waterfall
# Where each section is published.
PAGE_desktop := docs/beside-others.md
PAGE_network := docs/network.md
bench:
	$(foreach section,$(SECTIONS),$(MAKE) --no-print-directory bench-$(section) \
	  BENCH="--publish=$(or $(PAGE_$(section)),docs/benchmarks.md) $(BENCH)" &&) true

# The launcher and the plug-in have to lie beside the programs that measure them.
bench-build: setup-test
	$(CARGO) build --release --workspace --lib --bins

bench-peers:
	scripts/peers.sh

bench-desktop bench-narrow: bench-peers

# Rooms of their own in the network, for all that have one.
bench-desktop bench-encoders bench-input bench-narrow bench-network bench-quality bench-viewers bench-waterfall: bench-%: bench-build
	$(AS_ROOT) $(TARGET)/release/$* $(BENCH)

bench-capture: bench-build
	$(TARGET)/release/capture $(BENCH)

# On a GPU where there is one; the result says what it ran on.
bench-gl: bench-build
	$(TARGET)/release/gl $(BENCH)

# Short, and of what changes most. BENCH=--store stores the ratios instead of comparing them.
bench-smoke: bench-build
	mkdir -p $(TARGET)/bench
	$(TARGET)/release/capture --seconds=1 --runs=3 --sizes=1920x1080 --candidates=ximage-i420,ours-nv12 \
	  --workloads=idle,typing,full --ratios=$(TARGET)/bench/capture.json >/dev/null
	$(AS_ROOT) $(TARGET)/release/input --keys=300 --ratios=$(TARGET)/bench/input.json >/dev/null
	$(AS_ROOT) $(TARGET)/release/viewers --viewers=1,5 --runs=2 --seconds=5 --ratios=$(TARGET)/bench/viewers.json >/dev/null
	$(AS_ROOT) $(TARGET)/release/quality --bitrates=8000 --scenes=scroll --stops=3 --ratios=$(TARGET)/bench/quality.json >/dev/null
	$(TARGET)/release/smoke $(BENCH) $(addprefix $(TARGET)/bench/,capture.json input.json viewers.json quality.json)

soak: setup-test debug
	$(AS_ROOT) $(TARGET)/debug/soak --minutes $(or $(MINUTES),10)

soak-asan: setup-test debug
	$(AS_ROOT) $(TARGET)/debug/soak --sanitize --minutes $(or $(MINUTES),10)

# cargo-fuzz runs these as well (`cargo +nightly fuzz run http`); here nothing but a nightly compiler is needed.
FUZZERS := signalling data_channel joystick http rtc_json sdp_answer sdp_offer xwd_header cursor_image pipeline_file
FUZZ_FLAGS := -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
  -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing -Ccodegen-units=1
fuzz: setup-test
	RUSTFLAGS="$(FUZZ_FLAGS)" $(CARGO) +nightly build --release --manifest-path fuzz/Cargo.toml \
	  --target $$(rustc -vV | sed -n 's/^host: //p') --target-dir fuzz/target
	for target in $(or $(TARGETS),$(FUZZERS)); do mkdir -p fuzz/found/$$target fuzz/artifacts/$$target; \
	  fuzz/target/$$(rustc -vV | sed -n 's/^host: //p')/release/$$target -max_total_time=$(or $(FOR),60) -rss_limit_mb=2048 \
	    -timeout=10 -max_len=8192 -artifact_prefix=fuzz/artifacts/$$target/ fuzz/found/$$target fuzz/corpus/$$target || exit; done

# File system and clock of the machine are let in: proptest reads its regressions.
miri:
	PROPTEST_CASES=4 MIRIFLAGS=-Zmiri-disable-isolation $(CARGO) +nightly miri test -p selkies-protocol --lib

clean:
	$(CARGO) clean

# $(call needs,PROGRAM,COMPONENT) COMMAND: runs the command where the program is there. Elsewhere that is an error in CI,
# and a loud word to a person who only wants to try a change.
define needs
if ! command -v $(1) >/dev/null; then \
  echo "*** $(2) IS NOT INSTALLED: THE STEP \"$@\" IS SKIPPED (see scripts/setup.sh) ***" >&2; \
  [[ -z "$$CI" ]]; exit; \
fi; set -x;
endef
