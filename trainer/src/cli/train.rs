//! `forethought train`: train, export, fly, report.

use super::eval;
use crate::{
    data::{log::Log, mnist::Mnist},
    evaluate::{Flight, View},
    export::{WeightFile, write_file},
    report::{
        self,
        model::{Growth, ModelReport},
        pendulum::PendulumReport,
        perception::PerceptionReport,
        sentinel::SentinelReport,
        training::Curve,
    },
    tasks::{
        digits, model,
        pendulum::{self, ANGLES, Config, NX},
        perception, sentinel,
    },
};
use anyhow::{Context, Result, bail, ensure};
use forethought::{agent::Mode, artifact::Model};
use indicatif::{ProgressBar, ProgressStyle};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

/// Trains an agent.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What is to be learned: `pendulum`, `digits`, or a file `my.toml`: it names images or signals and an encoder of them, or an
    /// energy that tells what is strange among them, or the log or the simulator of a plant whose forward model is learned.
    task: String,
    /// `pendulum`: a CSV log (gzip or plain) to learn the forward model from; without it one is recorded from the world.
    /// `digits`: the folder of the data sets, with MNIST's four files in its folder `mnist` [default: ../shared/data].
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// Settings in a TOML file; what it does not name keeps its default.
    #[arg(long, value_name = "FILE.toml")]
    config: Option<PathBuf>,
    /// `my.toml` of a plant: who is to act through the learned model; its section [act] says to what end.
    #[arg(long, value_enum)]
    act: Option<model::act::Act>,
    /// Seed of everything that is random.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Folder for the artifact and the report [default: out/TASK].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Episodes to fly each way at the end.
    #[arg(long, default_value_t = 100)]
    episodes: usize,
}

impl Args {
    pub(super) fn run(self) -> Result<ExitCode> {
        if Path::new(&self.task).extension().is_some_and(|ending| ending == "toml") {
            let path = Path::new(&self.task);
            // A file that cannot be read is told so by whoever it is thought to be for.
            let text = fs::read_to_string(path).unwrap_or_default();
            if model::Config::is_meant(&text) {
                return self.model(path);
            }
            self.only_perceives(&path.display().to_string())?;
            if sentinel::Config::is_meant(&text) {
                return self.sentinel(path);
            }
            return self.perception(path);
        }
        self.only_perceives(&self.task)?;
        if self.task == digits::NAME {
            // Within the pool, where a large product finds a second thread at once.
            return rayon::scope(|_| self.digits());
        }
        if self.task != pendulum::NAME {
            bail!(
                "there is no task `{}`; the tasks are `{}`, `{}` and any file that ends in .toml",
                self.task,
                pendulum::NAME,
                digits::NAME
            );
        }
        ensure!(self.episodes > 0, "--episodes must be at least 1");
        let started = Instant::now();
        let config: Config = self.config()?;
        config.check()?;
        let log = self.data.as_deref().map(|path| Log::read(path, NX, ANGLES, 1)).transpose()?;
        let mut watch = Watch::default();
        let mut trained = pendulum::train(&config, log, self.seed, &mut |stage, step, of, losses| {
            watch.see(stage, step, of, losses);
        })?;
        trained.distil(&config, self.seed, &mut |stage, step, of, losses| {
            watch.see(stage, step, of, losses);
        })?;
        watch.finish();

        let out = self.out.clone().unwrap_or_else(|| PathBuf::from("out").join(&self.task));
        let file = pendulum::export(&config, &trained, Model::Network, self.seed)?;
        let artifact_path = out.join("agent.fth");
        write_file(&artifact_path, file.bytes())?;
        let variances = (&trained.process[..], &trained.noise[..]);
        let origin = (self.seed, trained.log.digest);
        let tracker = pendulum::export_tracker(&config, &trained.model, variances, origin)?;
        write_file(&out.join("tracker.fth"), tracker.bytes())?;
        let artifact = file.parse()?;
        let flown = eval::fly(&artifact, self.episodes, eval::EVALUATION_SEED)?;
        let report = PendulumReport {
            episodes: self.episodes,
            scores: flown.iter().map(eval::Flown::row).collect(),
            curves: watch.curves,
            ..pendulum::portrait(&config, &artifact, &trained, showcase(&flown))?
        };
        write_file(&out.join("report.html"), report::pendulum::html(&report).as_bytes())?;
        write_file(&out.join("config.toml"), toml::to_string(&config)?.as_bytes())?;

        eval::print(&flown, self.episodes, eval::optimum(&artifact));
        for error in &report.model_errors {
            eprintln!(
                "  model, {:<6} RMSE / standard deviation on held-out episodes: {:.2} % one step ahead, {:.2} % twenty",
                error.coordinate,
                100.0 * error.one,
                100.0 * error.twenty
            );
        }
        eprintln!(
            "{} and its report.html, after {:.0} s",
            artifact_path.display(),
            started.elapsed().as_secs_f64()
        );
        Ok(ExitCode::SUCCESS)
    }

    /// `--act` is refused by whatever is not the log of a plant.
    fn only_perceives(&self, task: &str) -> Result<()> {
        ensure!(
            self.act.is_none(),
            "--act is for a task file that names the log or the simulator of a plant, with sections [[state]] and [[action]]; {task} is none"
        );
        Ok(())
    }

    /// A task file says everything itself.
    fn alone(&self, path: &Path) -> Result<()> {
        ensure!(
            self.data.is_none() && self.config.is_none(),
            "--data and --config are for built-in tasks; {} itself names its data and settings",
            path.display()
        );
        Ok(())
    }

    /// Trains a forward model of the user's own plant.
    fn model(&self, path: &Path) -> Result<ExitCode> {
        self.alone(path)?;
        let started = Instant::now();
        let config = model::Config::read(path)?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let mut watch = Watch::default();
        let trained = model::train(&config, self.act, &name, self.seed, &mut |stage, step, of, losses| {
            watch.see(stage, step, of, losses);
        })?;
        watch.finish();

        let out = self.out.clone().unwrap_or_else(|| PathBuf::from("out").join(&*name));
        let report = ModelReport { curves: watch.curves, ..model::portrait(&config, &trained)? };
        let artifact_path = out.join("model.fth");
        write_file(&artifact_path, trained.file.bytes())?;
        if let Some((controller, _)) = &trained.controller {
            write_file(&out.join("controller.fth"), controller.bytes())?;
        }
        write_file(&out.join("report.html"), report::model::html(&report).as_bytes())?;
        write_file(&out.join("config.toml"), toml::to_string(&config)?.as_bytes())?;
        eprintln!("on {} steps that it has not learned from, in standard deviations:", report.steps.1);
        for Growth { steps, model, copy } in &report.growth {
            eprintln!(
                "  {steps:>4} ahead: {:>8.2} %, a copy of the last state {:>8.2} %",
                100.0 * model,
                100.0 * copy
            );
        }
        if let Some((_, flown)) = &trained.controller {
            eprintln!("mean cost of a step, from the starts of episodes that it has not learned from:");
            for model::act::Flown { who, cost, .. } in flown {
                eprintln!("  {who:<34} {cost:>10.4}");
            }
            eprintln!("{}", out.join("controller.fth").display());
        }
        eprintln!(
            "{} and its report.html, after {:.0} s",
            artifact_path.display(),
            started.elapsed().as_secs_f64()
        );
        Ok(ExitCode::SUCCESS)
    }

    /// Trains an encoder on the user's own data.
    fn perception(&self, path: &Path) -> Result<ExitCode> {
        self.alone(path)?;
        let started = Instant::now();
        let config = perception::Config::read(path)?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let mut watch = Watch::default();
        let trained = perception::train(&config, &name, self.seed, &mut |stage, step, of, losses| {
            watch.see(stage, step, of, losses);
        })?;
        watch.finish();

        let out = self.out.clone().unwrap_or_else(|| PathBuf::from("out").join(&*name));
        let report = PerceptionReport { curves: watch.curves, ..perception::portrait(&config, &trained)? };
        Self::perceptive(
            started,
            (&out, "perception.fth"),
            &trained.file,
            &report,
            &toml::to_string(&config)?,
        )
    }

    /// Teaches an energy on the user's own healthy samples.
    fn sentinel(&self, path: &Path) -> Result<ExitCode> {
        self.alone(path)?;
        let started = Instant::now();
        let config = sentinel::Config::read(path)?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let mut watch = Watch::default();
        let trained = sentinel::train(&config, &name, self.seed, &mut |stage, step, of, losses| {
            watch.see(stage, step, of, losses);
        })?;
        watch.finish();

        let out = self.out.clone().unwrap_or_else(|| PathBuf::from("out").join(&*name));
        let report = SentinelReport { curves: watch.curves, ..sentinel::portrait(&config, &trained)? };
        let artifact_path = out.join("sentinel.fth");
        write_file(&artifact_path, trained.file.bytes())?;
        write_file(&out.join("report.html"), report::sentinel::html(&report).as_bytes())?;
        write_file(&out.join("config.toml"), toml::to_string(&config)?.as_bytes())?;
        for (what, value) in report.rows() {
            eprintln!("  {what:<42} {value:>20}");
        }
        if let Some(doubt) = &report.doubt {
            eprintln!("warning: {doubt}");
        }
        eprintln!(
            "{} and its report.html, after {:.0} s",
            artifact_path.display(),
            started.elapsed().as_secs_f64()
        );
        Ok(ExitCode::SUCCESS)
    }

    /// Trains a recogniser of handwritten digits.
    fn digits(&self) -> Result<ExitCode> {
        let started = Instant::now();
        let config: digits::Config = self.config()?;
        config.check()?;
        let data = self.data.clone().unwrap_or_else(|| PathBuf::from("../shared/data"));
        let mnist = Mnist::read(&data.join("mnist")).context(
            "MNIST is at https://storage.googleapis.com/cvdf-datasets/mnist/: four files of 11 MB in all",
        )?;
        let mut watch = Watch::default();
        let file = digits::train(&config, &mnist, self.seed, &mut |stage, step, of, losses| {
            watch.see(stage, step, of, losses);
        })?;
        watch.finish();

        let out = self.out.clone().unwrap_or_else(|| PathBuf::from("out").join(digits::NAME));
        let report = PerceptionReport { curves: watch.curves, ..digits::portrait(&config, &file, &mnist)? };
        Self::perceptive(started, (&out, "agent.fth"), &file, &report, &toml::to_string(&config)?)
    }

    /// Writes the files of a mind that perceives, and says what it is worth.
    fn perceptive(
        started: Instant,
        (out, name): (&Path, &str),
        file: &WeightFile,
        report: &PerceptionReport,
        config: &str,
    ) -> Result<ExitCode> {
        let artifact_path = out.join(name);
        write_file(&artifact_path, file.bytes())?;
        write_file(&out.join("report.html"), report::perception::html(report).as_bytes())?;
        write_file(&out.join("config.toml"), config.as_bytes())?;
        eprintln!("on {} samples that it has not learned from:", report.scores.samples);
        for (what, value) in report.scores.rows() {
            eprintln!("  {what:<34} {value:>9}");
        }
        eprintln!(
            "{} and its report.html, after {:.0} s",
            artifact_path.display(),
            started.elapsed().as_secs_f64()
        );
        Ok(ExitCode::SUCCESS)
    }

    /// The settings of a task: its own, but for those that a file says otherwise of.
    fn config<C: DeserializeOwned + Serialize + Default>(&self) -> Result<C> {
        let Some(path) = &self.config else { return Ok(C::default()) };
        let text = fs::read_to_string(path)
            .with_context(|| format!("cannot read the settings {}", path.display()))?;
        let read = || -> Result<C> {
            // Once for its complaints, which know the line.
            toml::from_str::<C>(&text)?;
            let mut settings = toml::Table::try_from(C::default())?;
            overlay(&mut settings, toml::from_str(&text)?);
            Ok(settings.try_into()?)
        };
        read().with_context(|| format!("in the settings {}", path.display()))
    }
}

/// Lays settings over others, section by section.
fn overlay(below: &mut toml::Table, above: toml::Table) {
    for (name, value) in above {
        match (below.get_mut(&name), value) {
            (Some(toml::Value::Table(below)), toml::Value::Table(above)) => overlay(below, above),
            (_, value) => {
                below.insert(name, value);
            }
        }
    }
}

/// The look of every progress bar.
pub(super) fn bar_style() -> ProgressStyle {
    ProgressStyle::with_template("{msg:24} {wide_bar} {pos}/{len} {eta:>4}").expect("a valid template")
}

/// Draws the progress and keeps the learning curves.
#[derive(Default)]
struct Watch {
    bar: Option<ProgressBar>,
    curves: Vec<Curve>,
}

impl Watch {
    fn see(&mut self, stage: &'static str, step: usize, of: usize, losses: &[(&'static str, f32)]) {
        if self.curves.last().is_none_or(|curve| curve.name != stage) {
            self.finish();
            let bar = ProgressBar::new(of as u64).with_message(stage);
            bar.set_style(bar_style());
            self.bar = Some(bar);
            let losses = losses.iter().map(|&(name, _)| (name.to_owned(), Vec::new())).collect();
            self.curves.push(Curve { name: stage.to_owned(), losses });
        }
        if let Some(bar) = &self.bar {
            bar.set_position(step as u64 + 1);
        }
        if let Some(curve) = self.curves.last_mut() {
            let lists = curve.losses.iter_mut().map(|(_, points)| points);
            lists.zip(losses).for_each(|(points, &(_, loss))| points.push((step, loss)));
        }
    }

    fn finish(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish();
        }
    }
}

/// The flight from pixels that starts lowest: the most to look at.
fn showcase(flown: &[eval::Flown]) -> Flight {
    let from_pixels = flown.iter().find(|f| f.how == (View::Sensors, Mode::Plan));
    let height = |f: &&Flight| f.states.first().map_or(0.0, |x| x[0].abs());
    let lowest = from_pixels.and_then(|f| f.flights.iter().max_by(|a, b| height(a).total_cmp(&height(b))));
    lowest.cloned().unwrap_or_default()
}
