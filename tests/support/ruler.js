// Injected into every page of a test before the page's own code: notes which numbered frames are painted and
// which sound is played, with times, without the page knowing. Read from Python by `ruler.py`.
//
// All times are milliseconds of `performance.now()`. A number is counted as painted when the frame carrying it
// is shown by a <video> that is visible in the page; sound counts as heard when the element that plays it is
// neither paused nor muted.
(() => {
  const COLUMNS = 16;
  const ROWS = 2;
  const TOP = 5 / 9;
  const CELL = 8; // pixels of the reading canvas per cell
  const CLEAR_SHARE = 0.15;
  const LEAST_SPAN = 60;
  const MOST_FRAMES = 20_000;
  const SOUND_RATE = 16_000;
  const MOST_SOUND_MS = 180_000;

  const ruler = {
    frames: [], // painted: [at, participant_id, source, number, participant, kind, capturedAt]
    sounds: [], // one per audio track: {track, local, chunks}
    elements: new Set(),
    localVideo: null, // shows the page's own camera, outside the page
    problems: [],
  };
  Object.defineProperty(window, "__ruler", { value: ruler });

  // ── reading the code ───────────────────────────────────────────────────────────────────────────────────
  const canvas = new OffscreenCanvas(COLUMNS * CELL, ROWS * CELL);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "medium";

  const cellMean = (pixels, row, column) => {
    let sum = 0;
    for (let y = 2; y < CELL - 2; y++)
      for (let x = 2; x < CELL - 2; x++) {
        const at = 4 * ((row * CELL + y) * canvas.width + column * CELL + x);
        sum += pixels[at] + pixels[at + 1] + pixels[at + 2];
      }
    return sum / (3 * (CELL - 4) ** 2);
  };

  const crc8 = (body) => {
    let rest = 0;
    for (const byte of [(body >> 16) & 255, (body >> 8) & 255, body & 255]) {
      rest ^= byte;
      for (let i = 0; i < 8; i++) rest = ((rest << 1) ^ (rest & 0x80 ? 0x07 : 0)) & 0xff;
    }
    return rest;
  };

  const fromGray = (gray) => {
    let number = 0;
    for (let rest = gray; rest; rest >>= 1) number ^= rest;
    return number;
  };

  /** The code of what a video shows now, or null. */
  const readCode = (video) => {
    const width = video.videoWidth;
    const height = video.videoHeight;
    context.drawImage(video, 0, height * TOP, width, height * (1 - TOP), 0, 0, canvas.width, canvas.height);
    const pixels = context.getImageData(0, 0, canvas.width, canvas.height).data;
    const mean = (row, column) => cellMean(pixels, row, column);
    const white = (mean(0, 0) + mean(1, COLUMNS - 1)) / 2;
    const black = (mean(1, 0) + mean(0, COLUMNS - 1)) / 2;
    if (white - black < LEAST_SPAN) return null;
    let value = 0;
    for (let row = 0; row < ROWS; row++)
      for (let column = 1; column < COLUMNS - 1; column++) {
        const level = (mean(row, column) - black) / (white - black);
        if (Math.abs(level - 0.5) < CLEAR_SHARE) return null;
        value = value * 2 + (level > 0.5 ? 1 : 0);
      }
    const body = Math.floor(value / 256);
    if ((value & 255) !== crc8(body)) return null;
    return { number: fromGray(body >> 8), participant: (body >> 4) & 15, kind: body & 15 };
  };

  /** Fill a canvas with a frame that carries a code, as `barcode.py` draws it. */
  ruler.drawCode = (target, number, participant, kind) => {
    const { width, height } = target;
    const pen = target.getContext("2d");
    const body = ((number ^ (number >> 1)) << 8) | (participant << 4) | kind;
    const bits = (body * 256 + crc8(body)).toString(2).padStart((COLUMNS - 2) * ROWS, "0");
    pen.fillStyle = "rgb(90 110 140)";
    pen.fillRect(0, 0, width, height);
    for (let row = 0; row < ROWS; row++)
      for (let column = 0; column < COLUMNS; column++) {
        const corner = column === 0 || column === COLUMNS - 1;
        const white = corner ? (row === 0) === (column === 0) : bits[row * (COLUMNS - 2) + column - 1] === "1";
        pen.fillStyle = white ? "rgb(226 226 226)" : "rgb(24 24 24)";
        const tall = (height * (1 - TOP)) / ROWS;
        pen.fillRect((width * column) / COLUMNS, height * TOP + row * tall, width / COLUMNS, tall);
      }
  };

  // ── pictures ───────────────────────────────────────────────────────────────────────────────────────────
  const visible = (video) => {
    if (video === ruler.localVideo) return true;
    const box = video.getBoundingClientRect();
    return video.isConnected && box.width > 8 && box.height > 8;
  };

  const watchVideo = (video) => {
    const painted = (at, metadata) => {
      video.requestVideoFrameCallback(painted);
      if (!video.videoWidth || !visible(video)) return;
      const code = readCode(video);
      const { participantId = "", source = "" } = video.dataset;
      if (ruler.frames.length >= MOST_FRAMES) ruler.frames.splice(0, MOST_FRAMES / 2);
      ruler.frames.push([
        at,
        participantId,
        source,
        code?.number ?? -1,
        code?.participant ?? -1,
        code?.kind ?? -1,
        metadata.captureTime ?? null,
      ]);
    };
    video.requestVideoFrameCallback(painted);
  };

  // ── sounds ─────────────────────────────────────────────────────────────────────────────────────────────
  const playing = (track) =>
    [...ruler.elements].some(
      (element) =>
        element.srcObject instanceof MediaStream &&
        element.srcObject.getAudioTracks().includes(track) &&
        !element.paused &&
        !element.muted &&
        element.volume > 0,
    );

  /** A third of the samples, each the mean of three: all tones of the tests lie far below 8 kHz. */
  const thinned = (data) => {
    const every = data.sampleRate / SOUND_RATE;
    const plane = new Float32Array(data.numberOfFrames);
    data.copyTo(plane, { planeIndex: 0, format: "f32-planar" });
    const thin = new Int16Array(Math.floor(plane.length / every));
    for (let i = 0; i < thin.length; i++) {
      let sum = 0;
      for (let j = 0; j < every; j++) sum += plane[i * every + j];
      thin[i] = Math.max(-1, Math.min(1, sum / every)) * 32767;
    }
    return thin;
  };

  const watchSound = async (track, local) => {
    const sound = { track, local, chunks: [] };
    ruler.sounds.push(sound);
    const reader = new MediaStreamTrackProcessor({ track }).readable.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const samples = thinned(value);
      if (!local && !playing(track)) samples.fill(0);
      const at = performance.now();
      sound.chunks.push({ at, stamp: value.timestamp / 1000, samples });
      value.close();
      while (sound.chunks[0].at < at - MOST_SOUND_MS) sound.chunks.shift();
    }
  };

  const noteProblem = (problem) => ruler.problems.push(String(problem?.stack ?? problem));

  const captured = new WeakSet();

  const watchElement = (element) => {
    if (ruler.elements.has(element)) return;
    ruler.elements.add(element);
    if (element instanceof HTMLVideoElement) watchVideo(element);
  };

  const listen = (stream) => {
    for (const track of stream.getAudioTracks())
      if (!ruler.sounds.some((sound) => sound.track === track) && !captured.has(track))
        watchSound(track, false).catch(noteProblem);
  };

  // ── hooks: what the page plays, what it captures ───────────────────────────────────────────────────────
  const property = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, "srcObject");
  Object.defineProperty(HTMLMediaElement.prototype, "srcObject", {
    ...property,
    set(stream) {
      property.set.call(this, stream);
      watchElement(this);
      if (stream instanceof MediaStream) {
        listen(stream);
        stream.addEventListener("addtrack", () => listen(stream));
      }
    },
  });
  const addTrack = MediaStream.prototype.addTrack;
  MediaStream.prototype.addTrack = function (track) {
    addTrack.call(this, track);
    if ([...ruler.elements].some((element) => element.srcObject === this)) listen(this);
  };
  const play = HTMLMediaElement.prototype.play;
  HTMLMediaElement.prototype.play = function () {
    watchElement(this);
    return play.call(this);
  };

  /** A copy of what the page captures, for us; it ends with the original, or the camera would stay on. */
  const copyOf = (track) => {
    const copy = track.clone();
    const stop = track.stop.bind(track);
    track.stop = () => {
      stop();
      copy.stop();
    };
    return copy;
  };

  const watchCapture = (stream) => {
    for (const track of stream.getTracks()) captured.add(track);
    for (const track of stream.getAudioTracks()) watchSound(copyOf(track), true).catch(noteProblem);
    const [camera] = stream.getVideoTracks();
    if (!camera) return;
    ruler.localVideo ??= document.createElement("video");
    ruler.localVideo.muted = true;
    ruler.localVideo.dataset.source = "local";
    property.set.call(ruler.localVideo, new MediaStream([copyOf(camera)]));
    watchElement(ruler.localVideo);
    play.call(ruler.localVideo).catch(noteProblem);
  };
  const devices = navigator.mediaDevices;
  if (devices) {
    const capture = devices.getUserMedia.bind(devices);
    devices.getUserMedia = async (constraints) => {
      const stream = await capture(constraints);
      watchCapture(stream);
      return stream;
    };
  }

  // ── what Python asks for ───────────────────────────────────────────────────────────────────────────────
  const base64 = (chunks) => {
    const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.samples.byteLength, 0));
    let at = 0;
    for (const { samples } of chunks) {
      bytes.set(new Uint8Array(samples.buffer), at);
      at += samples.byteLength;
    }
    let text = "";
    for (let i = 0; i < bytes.length; i += 0x8000) text += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
    return btoa(text);
  };

  ruler.paintedSince = (since) => ruler.frames.filter(([at]) => at >= since);
  ruler.soundsSince = (local, since) =>
    ruler.sounds
      .filter((sound) => sound.local === local)
      .map((sound) => sound.chunks.filter(({ at }) => at >= since))
      .map((chunks) => ({
        rate: SOUND_RATE,
        pcm: base64(chunks),
        chunks: chunks.map(({ at, stamp, samples }) => [at, stamp, samples.length]),
      }));
})();
