//! The tensors of an agent with a LISTA encoder, a learned model, a policy and a value, and of LISTA alone with its
//! decoder and a classifier, in any sizes.

use forethought::{artifact::Sizes, predict::ensemble::PARTS};

/// Part, name, rows and columns.
pub type Tensor = (&'static str, &'static str, usize, usize);

/// Of an autoencoder as an energy: one hidden layer.
pub const fn autoencoder(sizes: Sizes) -> [Tensor; 4] {
    let (ny, nh) = (sizes.observation as usize, sizes.hidden as usize);
    [("energy", "w1", nh, ny), ("energy", "b1", nh, 1), ("energy", "w2", ny, nh), ("energy", "b2", ny, 1)]
}

/// Every tensor, for a state with one angle, whose cosine and sine are measured.
pub const fn tensors(sizes: Sizes) -> [Tensor; 39] {
    let (ny, nc) = (sizes.observation as usize, sizes.code as usize);
    let (nx, nu, nz, nh) =
        (sizes.state as usize, sizes.action as usize, sizes.latent as usize, sizes.hidden as usize);
    [
        ("perceive", "w_e", nc, ny),
        ("perceive", "bias", nc, 1),
        ("perceive", "s", nc, nc),
        ("perceive", "threshold", nc, 1),
        ("readout", "w", 2, nc),
        ("readout", "b", 2, 1),
        ("estimate", "mean", nx, 1),
        ("estimate", "prior", nx, 1),
        ("estimate", "process", nx, 1),
        ("estimate", "noise", 2, 1),
        ("predict", "w_x", nh, nx),
        ("predict", "w_s", nh, 1),
        ("predict", "w_u", nh, nu),
        ("predict", "w_z", nh, nz),
        ("predict", "b1", nh, 1),
        ("predict", "w_h", nh, nh),
        ("predict", "b2", nh, 1),
        ("predict", "w_o", nx, nh),
        ("predict", "b_o", nx, 1),
        ("policy", "w_x", nh, nx),
        ("policy", "w_s", nh, 1),
        ("policy", "b1", nh, 1),
        ("policy", "w_h", nh, nh),
        ("policy", "b2", nh, 1),
        ("policy", "w_o", nu, nh),
        ("policy", "b_o", nu, 1),
        ("value", "w_x", nh, nx),
        ("value", "w_s", nh, 1),
        ("value", "b1", nh, 1),
        ("value", "w_h", nh, nh),
        ("value", "b2", nh, 1),
        ("value", "w_o", 1, nh),
        ("value", "b_o", 1, 1),
        ("cost", "action", nu, 1),
        ("action", "low", nu, 1),
        ("action", "high", nu, 1),
        ("action", "safe", nu, 1),
        ("estimate", "gain", nx, 2),
        ("estimate", "innovation", 2, 1),
    ]
}

/// Every tensor, and the decoder of an agent that judges what it sees.
pub fn watchful(sizes: Sizes) -> [Tensor; 41] {
    let (all, [_, _, _, _, dictionary, mean, ..]) = (tensors(sizes), perception(sizes));
    core::array::from_fn(|i| all.get(i).copied().unwrap_or(if i == all.len() { dictionary } else { mean }))
}

/// Every tensor of a learned model alone.
pub const fn model(sizes: Sizes) -> [Tensor; 9] {
    let [_, _, _, _, _, _, _, _, _, _, w_x, w_s, w_u, w_z, b1, w_h, b2, w_o, b_o, ..] = tensors(sizes);
    [w_x, w_s, w_u, w_z, b1, w_h, b2, w_o, b_o]
}

/// Every tensor of a filter over a learned model.
pub const fn tracker(sizes: Sizes) -> [Tensor; 13] {
    let [_, _, _, _, _, _, mean, prior, process, noise, ..] = tensors(sizes);
    let [w_x, w_s, w_u, w_z, b1, w_h, b2, w_o, b_o] = model(sizes);
    [mean, prior, process, noise, w_x, w_s, w_u, w_z, b1, w_h, b2, w_o, b_o]
}

/// Every tensor of an ensemble of so many members.
pub fn ensemble<const N: usize>(sizes: Sizes) -> [Tensor; N] {
    let member = model(sizes);
    core::array::from_fn(|i| {
        let (_, name, rows, cols) = member[i % member.len()];
        // Means and logarithms of variances.
        let rows = if matches!(name, "w_o" | "b_o") { 2 * rows } else { rows };
        (PARTS[i / member.len()], name, rows, cols)
    })
}

/// Every tensor of a controller over an ensemble of two, with a price of doubt and a codebook of futures.
pub fn cautious(sizes: Sizes, codewords: usize) -> [Tensor; 26] {
    let (nx, nu, nz) = (sizes.state as usize, sizes.action as usize, sizes.latent as usize);
    let members = ensemble::<18>(sizes);
    let others = [
        ("cost", "action", nu, 1),
        ("cost", "doubt", nx, 1),
        ("cost", "futures", 2, 1),
        ("latent", "codebook", nz * codewords, 1),
        ("latent", "share", codewords, 1),
        ("action", "low", nu, 1),
        ("action", "high", nu, 1),
        ("action", "safe", nu, 1),
    ];
    core::array::from_fn(|i| members.get(i).copied().unwrap_or_else(|| others[i - members.len()]))
}

/// Every tensor of an encoder with decoder and classifier.
pub const fn perception(sizes: Sizes) -> [Tensor; 8] {
    let (ny, nc, classes) = (sizes.observation as usize, sizes.code as usize, sizes.action as usize);
    [
        ("perceive", "w_e", nc, ny),
        ("perceive", "bias", nc, 1),
        ("perceive", "s", nc, nc),
        ("perceive", "threshold", nc, 1),
        ("perceive", "dictionary", ny, nc),
        ("perceive", "mean", ny, 1),
        ("classify", "w", classes, nc),
        ("classify", "b", classes, 1),
    ]
}
