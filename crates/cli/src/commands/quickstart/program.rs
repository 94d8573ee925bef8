//! A program of a few instructions that runs in a container without anything else: it prints a line and ends.
//!
//! An ELF file for Linux with one segment that is loaded whole:
//!
//! ```text
//!   0  ELF header (64 bytes)
//!  64  program header (56 bytes)
//! 120  instructions: write(1, text, length), exit(0)
//!  …   text
//! ```

/// The processors that it can be made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Architecture {
    Amd64,
    Arm64,
}

impl Architecture {
    /// The one that this program runs on; containers of any other have to be emulated anyway.
    pub(super) fn of_this_machine() -> Self {
        if cfg!(target_arch = "aarch64") { Self::Arm64 } else { Self::Amd64 }
    }

    /// As image configs name it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }

    /// `e_machine` of the ELF header.
    fn machine(self) -> u16 {
        match self {
            Self::Amd64 => 62,
            Self::Arm64 => 183,
        }
    }
}

/// Where the file is mapped.
const BASE: u64 = 0x40_0000;
/// Both headers together.
const HEADERS: u64 = 64 + 56;
/// The longest text: one immediate operand of arm64.
const TEXT_LIMIT: usize = 0xffff;

/// The program that prints `line`, as the bytes of its file. What is longer than 65534 bytes is cut.
pub(super) fn elf(architecture: Architecture, line: &str) -> Vec<u8> {
    let mut text = line.as_bytes().to_vec();
    text.truncate(TEXT_LIMIT - 1);
    text.push(b'\n');
    let code = match architecture {
        Architecture::Amd64 => amd64(text.len()),
        Architecture::Arm64 => arm64(text.len()),
    };
    let size = HEADERS + code.len() as u64 + text.len() as u64;
    [elf_header(architecture), program_header(size), code, text].concat()
}

fn elf_header(architecture: Architecture) -> Vec<u8> {
    let mut header = b"\x7fELF\x02\x01\x01".to_vec(); // 64 bits, little endian, version 1
    header.resize(16, 0);
    header.extend(2_u16.to_le_bytes()); // executable
    header.extend(architecture.machine().to_le_bytes());
    header.extend(1_u32.to_le_bytes());
    header.extend((BASE + HEADERS).to_le_bytes()); // entry
    header.extend(64_u64.to_le_bytes()); // program headers
    header.extend(0_u64.to_le_bytes()); // no sections
    header.extend(0_u32.to_le_bytes());
    // Sizes and counts: this header, one program header, no section headers.
    [64_u16, 56, 1, 0, 0, 0].iter().for_each(|field| header.extend(field.to_le_bytes()));
    header
}

fn program_header(size: u64) -> Vec<u8> {
    let mut header = Vec::new();
    header.extend(1_u32.to_le_bytes()); // loaded
    header.extend(5_u32.to_le_bytes()); // read, execute
    // Offset, address (virtual and physical), size in file and memory, alignment of the largest pages in use.
    [0, BASE, BASE, size, size, 0x1_0000].iter().for_each(|field: &u64| header.extend(field.to_le_bytes()));
    header
}

/// Length of the instructions for amd64, behind which the text lies.
const AMD64_LENGTH: u64 = 31;

fn amd64(text: usize) -> Vec<u8> {
    let address = (BASE + HEADERS + AMD64_LENGTH) as u32;
    let mut code = Vec::new();
    code.extend([0xb8, 1, 0, 0, 0]); // mov eax, 1 (write)
    code.extend([0xbf, 1, 0, 0, 0]); // mov edi, 1 (standard output)
    code.push(0xbe); // mov esi, text
    code.extend(address.to_le_bytes());
    code.push(0xba); // mov edx, length
    code.extend((text as u32).to_le_bytes());
    code.extend([0x0f, 0x05]); // syscall
    code.extend([0xb8, 60, 0, 0, 0]); // mov eax, 60 (exit)
    code.extend([0x31, 0xff]); // xor edi, edi
    code.extend([0x0f, 0x05]); // syscall
    code
}

fn arm64(text: usize) -> Vec<u8> {
    let instructions: [u32; 8] = [
        0xd280_0020,                      // mov x0, #1 (standard output)
        0x1000_00e1,                      // adr x1, text: 28 bytes on
        0xd280_0002 | (text as u32) << 5, // mov x2, #length
        0xd280_0808,                      // mov x8, #64 (write)
        0xd400_0001,                      // svc #0
        0xd280_0000,                      // mov x0, #0
        0xd280_0ba8,                      // mov x8, #93 (exit)
        0xd400_0001,                      // svc #0
    ];
    instructions.iter().flat_map(|instruction| instruction.to_le_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use portolan_oci::Digest;

    use super::*;

    #[test]
    fn lengths_are_as_said() {
        assert_eq!(amd64(1).len() as u64, AMD64_LENGTH);
        assert_eq!(arm64(1).len(), 32);
        assert_eq!(elf(Architecture::Amd64, "ahoy").len(), 120 + 31 + 5);
    }

    #[test]
    fn the_files_are_always_the_same() {
        let digest = |architecture| Digest::sha256(&elf(architecture, "ahoy")).to_string();
        assert_eq!(digest(Architecture::Amd64), AMD64_DIGEST);
        assert_eq!(digest(Architecture::Arm64), ARM64_DIGEST);
    }

    const AMD64_DIGEST: &str = "sha256:7a3124d7f3368add59a495f370a6a4c27456674ca4f8883c124db6ac968550e9";
    const ARM64_DIGEST: &str = "sha256:7091c322a974dd6dbed0436933357e1f3101c95e22bb766feb3cbf391cbf2091";

    #[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
    #[test]
    fn it_runs() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("hello");
        std::fs::write(&file, elf(Architecture::of_this_machine(), "ahoy")).unwrap();
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o755)).unwrap();
        let output = std::process::Command::new(&file).output().unwrap();
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(0), b"ahoy\n".as_slice()));
    }
}
