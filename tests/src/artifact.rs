//! The weight file, made and read on the chip. The host tests of `forethought::artifact` are exhaustive.

use crate::{
    Case, Failure,
    failure::{Golden, count, holds, refused, same_bits},
    tiny::{self, H, Learned, NC, NH, NU, NX, NY, NZ, Physical},
};
use forethought::{
    agent::{Agent, Mind},
    artifact::{Aligned, Artifact, ArtifactError, CRC, Model, Plant, WriteError, write},
    perceive::lista::Lista,
    plan::gradient::Gradient,
    predict::network::Network,
};

pub const CASES: &[Case] = &[
    Case { name: "artifact: what was written is read", run: round_trip },
    Case { name: "artifact: golden bits", run: golden },
    Case { name: "artifact: a damaged file is refused", run: damaged },
    Case { name: "artifact: a file of another version is refused", run: version },
    Case { name: "artifact: a file larger than the type is refused", run: too_large },
    Case { name: "artifact: a file of another kind is refused", run: kind },
    Case { name: "artifact: a file without a tensor is refused", run: missing },
    Case { name: "artifact: a buffer that is too small is refused", run: no_space },
];

fn round_trip() -> Result<(), Failure> {
    tiny::with(
        Model::Network,
        |_| {},
        |artifact| {
            let mut header = tiny::header(Model::Network);
            header.tensors = artifact.header().tensors.clone();
            holds("the header is the same", header == *artifact.header())?;
            for (part, name, rows, cols) in tiny::TENSORS {
                // A product with each unit vector gives one column.
                let matrix = artifact.matrix(part, name, rows, cols)?;
                for col in 0..cols {
                    let (mut unit, mut column, mut expected) = ([0.0; 12], [0.0; 12], [0.0; 12]);
                    unit[col] = 1.0;
                    matrix.add(&unit, &mut column);
                    for (row, expected) in expected.iter_mut().enumerate().take(rows) {
                        *expected = 0.0 + tiny::weight(part, name, row, col);
                    }
                    same_bits("weights", &expected, &column)?;
                }
            }
            Learned::load(artifact)?;
            Ok(())
        },
    )
}

fn golden() -> Result<(), Failure> {
    for (model, expected) in [(Model::Network, 0x193b_f998), (Model::Physics(Plant::Pendulum), 0xb6ef_43a7)] {
        let mut golden = Golden::default();
        tiny::with(
            model,
            |_| {},
            |artifact| {
                golden.word(artifact.checksum());
                golden.word(artifact.len() as u32);
                golden.is("weight file", expected)
            },
        )?;
    }
    Ok(())
}

fn damaged() -> Result<(), Failure> {
    let mut buffer = Aligned([0; _]);
    let length = tiny::fill(Model::Physics(Plant::Pendulum), |_| {}, &mut buffer)?;
    for at in (0..length).step_by(509) {
        buffer.0[at] ^= 0x10;
        holds("a changed bit is found", Artifact::parse(&buffer.0[..length]).is_err())?;
        buffer.0[at] ^= 0x10;
        holds("a shortened file is found", Artifact::parse(&buffer.0[..at]).is_err())?;
    }
    refused(ArtifactError::Truncated, Artifact::parse(&[]))?;
    refused(ArtifactError::BadMagic, Artifact::parse(b"FTH2, and so on"))?;
    let stated = length as u32;
    refused(
        ArtifactError::BadLength { stated, found: length - 1 },
        Artifact::parse(&buffer.0[..length - 1]),
    )?;
    Artifact::parse(&buffer.0[..length])?;
    Ok(())
}

fn version() -> Result<(), Failure> {
    let result = tiny::with(Model::Physics(Plant::Pendulum), |header| header.version = 7, |_| Ok(()));
    holds("another version is refused", result == Err(ArtifactError::Version { found: 7 }.into()))
}

fn too_large() -> Result<(), Failure> {
    type Sized<'a, const NY: usize, const NC: usize, const NU: usize, const NH: usize, const H: usize> =
        Agent<'a, Lista<'a, NY, NC>, Network<'a, NX, NU, NZ, NH>, Gradient<'a>, NY, NC, NX, NU, NZ, NH, H>;
    tiny::with(
        Model::Network,
        |_| {},
        |artifact| {
            let error = |what, capacity| ArtifactError::TooLarge { what, capacity, found: capacity + 1 };
            refused(error("sensor values", 7), Sized::<7, NC, NU, NH, H>::load(artifact))?;
            refused(error("code units", 11), Sized::<NY, 11, NU, NH, H>::load(artifact))?;
            refused(error("action components", 0), Sized::<NY, NC, 0, NH, H>::load(artifact))?;
            refused(error("hidden units", 9), Sized::<NY, NC, NU, 9, H>::load(artifact))?;
            refused(error("planned steps", 5), Sized::<NY, NC, NU, NH, 5>::load(artifact))
        },
    )
}

fn kind() -> Result<(), Failure> {
    let physics = ArtifactError::Kind { expected: "the pendulum's physics as forward model" };
    let network = ArtifactError::Kind { expected: "a learned network as forward model" };
    let no_latent = |header: &mut forethought::artifact::Header<'_>| header.sizes.latent = 0;
    tiny::with(Model::Network, no_latent, |artifact| refused(physics, Physical::load(artifact)))?;
    tiny::with(Model::Physics(Plant::Pendulum), |_| {}, |artifact| refused(network, Learned::load(artifact)))
}

fn missing() -> Result<(), Failure> {
    let mut buffer = Aligned([0; 512]);
    let length = write(tiny::header(Model::Physics(Plant::Pendulum)), &[], &mut buffer.0)?;
    let artifact = Artifact::parse(&buffer.0[..length])?;
    count("length", length as u32, artifact.len() as u32)?;
    count("checksum", CRC.checksum(&buffer.0[..length - 4]), artifact.checksum())?;
    refused(ArtifactError::Missing { part: "action", name: "safe" }, Physical::load(&artifact))
}

fn no_space() -> Result<(), Failure> {
    for space in [0, 11, 12, 100, 511] {
        let mut buffer = [0; 512];
        let result = write(tiny::header(Model::Physics(Plant::Pendulum)), &[], &mut buffer[..space]);
        let fits = space == 511;
        holds("a small buffer is refused", fits || result == Err(WriteError::NoSpace))?;
    }
    Ok(())
}
