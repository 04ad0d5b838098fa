//! From a weight file to the types that run it: nobody types sizes twice.

use forethought::{
    artifact::{Artifact, ArtifactError, Encoder, Header, Kind, Model, Planner, Plant, Sizes, Source, Tree},
    perceive::{convolutional::memory, maps::Maps},
    predict::traffic,
};
use std::{env, fmt::Write, fs, path::Path};

/// Names the weight file that is flashed; a relative path counts from the root of the workspace.
const VARIABLE: &str = "FORETHOUGHT_ARTIFACT";

/// Writes `agent.rs` for the weight file that the environment names. Without one, `agent.rs` says what is
/// missing to whoever includes it, and is otherwise that of the bench, so that this is the only complaint.
pub fn generate(board: &str, out_dir: &Path) -> Result<(), String> {
    println!("cargo::rerun-if-env-changed={VARIABLE}");
    let named = env::var_os(VARIABLE).filter(|name| !name.is_empty());
    let (weights, complaint) = match named {
        None => {
            let how_to = format!(
                "the agent needs a weight file: make one with \
                 `forethought train pendulum --out out/pendulum`, \
                 then `{VARIABLE}=out/pendulum/agent.fth cargo {board} agent`"
            );
            (out_dir.join("bench.fth"), Some(how_to))
        }
        Some(path) => {
            let root = Path::new(env!("CARGO_MANIFEST_DIR"))
                .parent()
                .expect("firmware is a folder of the workspace");
            let path = root.join(path);
            println!("cargo::rerun-if-changed={}", path.display());
            (path, None)
        }
    };
    let bytes = fs::read(&weights)
        .map_err(|error| format!("{VARIABLE}: cannot read {}: {error}", weights.display()))?;
    let mut source =
        source(&bytes, "agent.fth").map_err(|error| format!("{VARIABLE}: {}: {error}", weights.display()))?;
    if let Some(complaint) = complaint {
        writeln!(source, "compile_error!({complaint:?});").expect("writes to memory");
    }
    fs::write(out_dir.join("agent.fth"), bytes).expect("cargo made OUT_DIR");
    fs::write(out_dir.join("agent.rs"), source).expect("cargo made OUT_DIR");
    Ok(())
}

/// The Rust source of everything that depends on a weight file, which the source includes as `file`.
pub fn source(weights: &[u8], file: &str) -> Result<String, ArtifactError> {
    let mut aligned = vec![0_u128; weights.len().div_ceil(size_of::<u128>())];
    let aligned = &mut bytemuck::cast_slice_mut(&mut aligned)[..weights.len()];
    aligned.copy_from_slice(weights);
    let artifact = Artifact::parse(aligned)?;

    let Sizes { observation: ny, code: nc, state: nx, action: nu, latent: nz, hidden: nh, horizon: h } =
        artifact.sizes();
    let (mind, answer) = (mind(artifact.header()), artifact.header().answer());
    let values = ny.max(nx.into());
    let (request, reply) = (frame(REQUEST, values), frame(REPLY, answer as u32));
    let embedded = embed("WEIGHTS", weights, file);
    Ok(format!(
        "{mind}pub type State = <Mind as forethought::agent::Mind<'static, {nx}, {answer}>>::State;
pub const NY: usize = {ny};
pub const NC: usize = {nc};
pub const NX: usize = {nx};
pub const NU: usize = {nu};
pub const NZ: usize = {nz};
pub const NH: usize = {nh};
pub const H: usize = {h};
/// Numbers in an answer.
pub const ANSWER: usize = {answer};
/// The most values in a reading.
pub const VALUES: usize = {values};
/// The longest frames of the link.
pub const REQUEST_FRAME: usize = {request};
pub const REPLY_FRAME: usize = {reply};
{embedded}
"
    ))
}

/// The types of a mind and of its parts.
fn mind(header: &Header<'_>) -> String {
    let Sizes { observation: ny, code: nc, state: nx, action: nu, latent: nz, hidden: nh, horizon: h } =
        header.sizes;
    let encoder = match &header.encoder {
        Encoder::Lista { .. } => format!("lista::Lista<'static, {ny}, {nc}>"),
        Encoder::Convolutional { rows, cols, channels, stages } => {
            let image = Maps { rows: (*rows).into(), cols: (*cols).into(), channels: (*channels).into() };
            // Stages that do not fit are refused by the firmware itself, in any size.
            let largest = memory(image, stages).map_or(0, |(_, largest)| largest);
            format!("convolutional::Convolutional<'static, {ny}, {nc}, {largest}>")
        }
        Encoder::Psd => format!("psd::Psd<'static, {ny}, {nc}>"),
        Encoder::Coupled { .. } => format!("coupled::Coupled<'static, {ny}, {nc}>"),
        Encoder::Lamp { .. } => format!("lamp::Lamp<'static, {ny}, {nc}>"),
        Encoder::CoordinateDescent { .. } => format!("lcod::Lcod<'static, {ny}, {nc}>"),
    };
    let model = match header.model {
        Model::Network => format!("network::Network<'static, {nx}, {nu}, {nz}, {nh}>"),
        Model::Physics(named) => plant(named).to_owned(),
        Model::Absent => "absent::Absent".to_owned(),
        Model::Traffic(settings) => {
            let maps = traffic::memory(&settings, nh.into());
            format!("traffic::Traffic<'static, {nh}, {maps}>")
        }
        Model::Ensemble { members } => {
            format!("ensemble::Ensemble<'static, {members}, {nx}, {nu}, {nz}, {nh}>")
        }
        Model::Residual(named) => {
            let plant = plant(named);
            format!("residual::Residual<'static, forethought::predict::{plant}, {nx}, {nu}, {nz}, {nh}>")
        }
    };
    let encoder = format!("pub type Encoder = forethought::perceive::{encoder};");
    let model = format!("pub type Model = forethought::predict::{model};");
    let planner = match header.planner {
        Planner::Reflex => "reflex::Reflex".to_owned(),
        Planner::Gradient(_) => "gradient::Gradient<'static>".to_owned(),
        Planner::Ilqr(_) => "ilqr::Ilqr<'static>".to_owned(),
        Planner::Lq(_) => "lq::Lq<'static>".to_owned(),
        Planner::Discrete(Tree { beam, .. }) => format!("discrete::Discrete<'static, {beam}>"),
        Planner::Sampling(settings) => {
            format!("sampling::Sampling<'static, {}>", settings.elites())
        }
    };
    let planner = format!("pub type Planner = forethought::plan::{planner};");
    match header.kind {
        Kind::Agent => format!(
            "{encoder}
{model}
{planner}
pub type Mind = forethought::agent::Agent<'static, Encoder, Model, Planner, {ny}, {nc}, {nx}, {nu}, {nz}, {nh}, {h}>;
"
        ),
        Kind::Controller => format!(
            "{model}
{planner}
pub type Mind = forethought::control::Controller<'static, Model, Planner, {nx}, {nu}, {nz}, {nh}, {h}>;
"
        ),
        Kind::Perception => format!(
            "{encoder}
pub type Mind = forethought::recognise::Recogniser<'static, Encoder, {ny}, {nc}, {nu}>;
"
        ),
        Kind::Tracker => format!(
            "{model}
pub type Mind = forethought::track::Tracker<forethought::estimate::{filter}, Model, {nx}, {nu}, {nz}, {answer}>;
",
            filter = if header.has_steady_filter() { "steady::Steady<'static>" } else { "kalman::Kalman<'static>" },
            answer = header.answer()
        ),
        Kind::Watcher => {
            // Whoever has another model is refused by the firmware itself, in any size.
            let (past, maps) = match header.model {
                Model::Traffic(settings) => (settings.past, traffic::memory(&settings, nh.into())),
                _ => (0, 0),
            };
            format!("pub type Mind = forethought::watch::Watcher<'static, {past}, {nh}, {maps}>;\n")
        }
        Kind::Sentinel => format!(
            "{energy}
pub type Mind = forethought::sentinel::Sentinel<Energy, {ny}, {answer}>;
",
            energy = match header.energy.map(|energy| energy.source) {
                Some(Source::Autoencoder | Source::Critic) =>
                    format!("pub type Energy = forethought::energy::network::Network<'static, {ny}, {nh}>;"),
                _ => format!(
                    "{encoder}
pub type Energy = forethought::energy::reconstruction::Reconstruction<'static, Encoder, {ny}, {nc}>;"
                ),
            },
            answer = header.answer()
        ),
        Kind::Generator => {
            format!("pub type Mind = forethought::generate::Generator<'static, {nh}, {nu}>;
")
        }
        Kind::Model => format!(
            "{model}
pub type Mind = forethought::forecast::Forecaster<Model, {nx}, {nu}, {nz}, {answer}>;
",
            answer = header.answer()
        ),
    }
}

/// The type of a plant, in the room of the forward models.
fn plant(plant: Plant) -> &'static str {
    match plant {
        Plant::Pendulum => "physics::pendulum::Pendulum",
        Plant::CartPole => "physics::cart_pole::CartPole",
        Plant::Quadrotor => "physics::quadrotor::Quadrotor",
        Plant::Linear => "physics::linear::Linear<'static>",
        Plant::Rocket => "physics::rocket::Rocket",
        Plant::Car => "physics::car::Car",
        Plant::MountainCar => "physics::mountain_car::MountainCar",
    }
}

/// A weight file as a constant of the firmware: it is read where it lies in flash.
pub fn embed(constant: &str, weights: &[u8], file: &str) -> String {
    let length = weights.len();
    format!(
        "pub static {constant}: forethought::artifact::Aligned<[u8; {length}]> =
    forethought::artifact::Aligned(*include_bytes!({file:?}));"
    )
}

/// The most bytes of a request beside its values: variant 1, step 5, mode 1, reading 1, length 5.
const REQUEST: u32 = 13;
/// The most bytes of an action beside its values, no other reply being longer: variant 1, step 5, length 5,
/// diagnostics 1 + 3 + 4 + 4 + 1 + 4 + 1, refusal 1 + 1 + 5 + 5, instructions 10.
const REPLY: u32 = 51;

/// The longest frame of a message with `values` numbers and `rest` bytes of other things: CRC-16, COBS's
/// first byte and one more in 254, the zero at the end.
fn frame(rest: u32, values: u32) -> u32 {
    let message = rest + 4 * values + 2;
    message + 1 + message / 254 + 1
}
