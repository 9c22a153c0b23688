//! The program; all of it is in the library, so that fuzzers reach its parts.

fn main() -> std::process::ExitCode {
    egldesktop_launcher::main()
}
