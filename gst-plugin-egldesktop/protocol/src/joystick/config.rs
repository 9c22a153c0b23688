//! What a device is: `js_config_t` of the interposer.

use super::{AXES, BUTTONS, NAME, PRODUCT, VENDOR, VERSION};

/// Size of the structure in the first version of the protocol.
pub const V1_BYTES: usize = 1348;
/// Size of the structure in the second version.
pub const V2_BYTES: usize = 1360;

/// Longest name, without the zero at its end.
const NAME_BYTES: usize = 254;
const MAX_BUTTONS: usize = 512;
const MAX_AXES: usize = 64;
/// The first of six bytes that pad the structure, zero before.
const RUMBLE_AT: usize = 1354;

/// What a device is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PadConfig {
    /// At most 254 bytes.
    pub name: String,
    /// USB vendor; not in the first version.
    pub vendor: u16,
    /// USB product; not in the first version.
    pub product: u16,
    /// Version of the product; not in the first version.
    pub version: u16,
    /// The evdev codes of the buttons in joydev's order, 512 at most.
    pub buttons: Vec<u16>,
    /// The evdev codes of the axes in joydev's order, 64 at most.
    pub axes: Vec<u8>,
    /// Whether the server wants to know what a program makes the pad do (extension).
    pub rumble: bool,
}

/// Bytes that are no configuration.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not the configuration of a joystick")]
pub struct ConfigError;

impl PadConfig {
    /// An X-Box 360 pad, which every program knows, whatever the user's own pad is.
    pub fn xbox360() -> Self {
        Self {
            name: NAME.to_owned(),
            vendor: VENDOR,
            product: PRODUCT,
            version: VERSION,
            buttons: BUTTONS.to_vec(),
            axes: AXES.iter().map(|code| *code as u8).collect(),
            rumble: true,
        }
    }

    /// The bytes of the first version.
    pub fn to_v1(&self) -> Vec<u8> {
        // char name[255], a byte to align what follows.
        let mut bytes = self.name_field();
        self.write_maps(&mut bytes);
        debug_assert_eq!(bytes.len(), V1_BYTES);
        bytes
    }

    /// The bytes of the second version.
    pub fn to_v2(&self) -> Vec<u8> {
        let mut bytes = self.name_field();
        for field in [self.vendor, self.product, self.version] {
            bytes.extend(field.to_ne_bytes());
        }
        self.write_maps(&mut bytes);
        bytes.push(self.rumble.into());
        bytes.resize(V2_BYTES, 0);
        bytes
    }

    /// From the bytes of the second version.
    pub fn from_v2(bytes: &[u8; V2_BYTES]) -> Result<Self, ConfigError> {
        let number = |at: usize| Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
        let parse = || {
            let name = bytes.get(..NAME_BYTES)?.split(|byte| *byte == 0).next()?;
            let (buttons, axes) = (number(262)?.into(), usize::from(number(264)?));
            if buttons > MAX_BUTTONS || axes > MAX_AXES {
                return None;
            }
            Some(Self {
                name: String::from_utf8_lossy(name).into_owned(),
                vendor: number(256)?,
                product: number(258)?,
                version: number(260)?,
                buttons: (0..buttons).map(|button| number(266 + 2 * button)).collect::<Option<_>>()?,
                axes: bytes.get(1290..1290 + axes)?.to_vec(),
                rumble: *bytes.get(RUMBLE_AT)? == 1,
            })
        };
        parse().ok_or(ConfigError)
    }

    fn name_field(&self) -> Vec<u8> {
        let mut end = self.name.len().min(NAME_BYTES);
        while !self.name.is_char_boundary(end) {
            end -= 1;
        }
        let mut bytes = self.name.as_bytes()[..end].to_vec();
        bytes.resize(256, 0);
        bytes
    }

    fn write_maps(&self, bytes: &mut Vec<u8>) {
        let (buttons, axes) = (self.buttons.len().min(MAX_BUTTONS), self.axes.len().min(MAX_AXES));
        for count in [buttons, axes] {
            bytes.extend((count as u16).to_ne_bytes());
        }
        let mut maps: Vec<u8> = self.buttons[..buttons].iter().flat_map(|code| code.to_ne_bytes()).collect();
        maps.resize(2 * MAX_BUTTONS, 0);
        maps.extend(&self.axes[..axes]);
        maps.resize(2 * MAX_BUTTONS + MAX_AXES, 0);
        bytes.extend(maps);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Where `struct js_config_t` of Selkies 1.6 has its fields, byte for byte.
    #[test]
    fn the_first_version() {
        let bytes = PadConfig { name: "Selkies Controller".into(), ..PadConfig::xbox360() }.to_v1();
        assert_eq!(bytes.len(), 1348);
        assert_eq!(bytes[..19], *b"Selkies Controller\0");
        assert!(bytes[19..256].iter().all(|byte| *byte == 0));
        assert_eq!(bytes[256..260], [11u16.to_ne_bytes(), 8u16.to_ne_bytes()].concat());
        assert_eq!(bytes[260..264], [0x130u16.to_ne_bytes(), 0x131u16.to_ne_bytes()].concat());
        assert!(bytes[260 + 22..1284].iter().all(|byte| *byte == 0));
        assert_eq!(bytes[1284..1292], [0, 1, 2, 3, 4, 5, 0x10, 0x11]);
        assert!(bytes[1292..].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn the_second_version() {
        let bytes = PadConfig::xbox360().to_v2();
        assert_eq!(bytes.len(), 1360);
        let numbers: Vec<_> = bytes[256..268].chunks(2).map(|two| u16::from_ne_bytes([two[0], two[1]])).collect();
        assert_eq!(numbers, [0x045e, 0x028e, 0x0114, 11, 8, 0x130]);
        assert_eq!(bytes[1290..1298], [0, 1, 2, 3, 4, 5, 0x10, 0x11]);
        assert_eq!(bytes[1354..], [1, 0, 0, 0, 0, 0]);
        let bytes: [u8; V2_BYTES] = bytes.try_into().unwrap();
        assert_eq!(PadConfig::from_v2(&bytes), Ok(PadConfig::xbox360()));
    }

    #[test]
    fn a_name_that_is_too_long_ends_with_a_whole_character() {
        let config = PadConfig { name: "ä".repeat(200), ..PadConfig::xbox360() };
        for bytes in [config.to_v1(), config.to_v2()] {
            assert_eq!(bytes[..254], *"ä".repeat(127).as_bytes());
            assert_eq!(bytes[254..256], [0, 0]);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), V2_BYTES)) {
            let bytes: [u8; V2_BYTES] = bytes.try_into().unwrap();
            let _ = PadConfig::from_v2(&bytes);
        }
    }
}
