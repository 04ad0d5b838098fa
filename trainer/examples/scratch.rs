use forethought::{agent::Mode, artifact::Model};
use forethought_trainer::{evaluate::*, tasks::pendulum::*};
fn main() {
    let t0 = std::time::Instant::now();
    let mut config = Config::default();
    let a: Vec<String> = std::env::args().collect();
    let get = |k: &str, d: f64| -> f64 {
        a.iter().position(|x| x == k).map(|i| a[i + 1].parse().unwrap()).unwrap_or(d)
    };
    config.planner.horizon = get("h", 30.) as u16;
    config.planner.iterations = get("it", 10.) as u16;
    config.planner.terminal_angle = get("ta", 0.) as f32;
    config.planner.terminal_speed = get("ts", 0.) as f32;
    config.planner.momentum = get("mo", 0.7) as f32;
    config.planner.step = get("st", 0.3) as f32;
    config.planner.tolerance = get("tol", 1e-4) as f32;
    config.policy.discount = get("ga", 0.99) as f32;
    config.policy.restart = get("re", 0.1);
    config.policy.value_rate = get("vr", 2.) as f32;
    config.policy.renewal = get("rn", 0.05) as f32;
    config.policy.batch = get("pb", 128.) as usize;
    config.policy.clip = get("pc", 1.) as f32;
    config.policy.steps = get("ps", 3000.) as usize;
    config.policy.horizon = get("ph", 16.) as usize;
    config.policy.rate = get("pr", 2e-3) as f32;
    config.encoder.steps = get("es", 2000.) as usize;
    config.encoder.units = get("nc", 64.) as usize;
    config.model.hidden = get("mh", 32.) as usize;
    config.policy.hidden = get("hh", 32.) as usize;
    config.model.one_step = get("m1", 6000.) as usize;
    config.model.multi_step = get("mm", 2500.) as usize;
    let seed = get("seed", 0.) as u64;
    let mut last = "";
    let trained = train(&config, None, seed, &mut |stage, step, of, l| {
        if stage != last {
            eprintln!("\n{:?}", t0.elapsed());
            last = stage;
        }
        if (step + 1) % (of / 5).max(1) == 0 {
            eprintln!("{stage} {step}/{of} {l:?}");
        }
    })
    .unwrap();
    eprintln!("trained {:?} Q {:?} R {:?}", t0.elapsed(), trained.process, trained.noise);
    let n = get("n", 200.) as usize;
    let spec = std::env::var("SWEEP").unwrap_or_default();
    for line in spec.split(';') {
        let v: Vec<f64> = line.split(',').map(|x| x.trim().parse().unwrap()).collect();
        config.planner.horizon = v[0] as u16;
        config.planner.iterations = v[1] as u16;
        config.planner.terminal_angle = v[2] as f32;
        config.planner.terminal_speed = v[3] as f32;
        if v.len() > 4 {
            config.planner.momentum = v[4] as f32;
            config.planner.step = v[5] as f32;
            config.planner.tolerance = v[6] as f32;
        }
        let file = export(
            &config,
            &trained,
            if a.iter().any(|x| x == "phys") { Model::Pendulum } else { Model::Network },
            seed,
        )
        .unwrap();
        let art = file.parse().unwrap();
        for how in if v[1] == 0. {
            vec![(View::State, Mode::Policy), (View::Sensors, Mode::Policy)]
        } else if a.iter().any(|x| x == "px") {
            vec![(View::State, Mode::Plan), (View::Sensors, Mode::Plan)]
        } else {
            vec![(View::State, Mode::Plan)]
        } {
            let t = std::time::Instant::now();
            let f = episodes(&art, || config.world(), how, n, 1).unwrap();
            let s = Score::of(&f.iter().map(|f| f.total).collect::<Vec<_>>());
            println!("{line} {how:?} {:.1} ± {:.1}  {:?}", s.mean, s.error, t.elapsed());
        }
    }
}
