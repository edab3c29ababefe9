// A page of many people with nothing but voices: each joins by the product's own signalling and media modules, has a
// tone of its own pitch for a microphone, and one of them listens. Driven from Python by `test_voices.py`.
import { MediaLinks } from "/static/media/links.js";
import { SignallingClient } from "/static/signalling/client.js";
import { io } from "/static/vendor/socket.io.mjs";

const context = new AudioContext();
/** A tone is heard when it is stronger than this at its pitch, dBFS in one bin of the analyser. */
const HEARD_DB = -50;
const FFT_SIZE = 2048;
/** Speech comes in syllables; a tone that never stops is taken for noise. */
const SYLLABLES_HZ = 4;

class Person {
  id = "";
  speakers = [];
  #ears = new Map();

  constructor(token, hz) {
    this.hz = hz;
    this.joined = new Promise((done) => {
      this.client = new SignallingClient(io, token, {
        after: () => null,
        joined: ({ participant_id, ice_servers }) => {
          this.id = participant_id;
          this.links.iceServers = ice_servers ?? [];
          done();
        },
        events: () => {},
        media: ({ connection, state }) => state === "lost" && this.links.lost(connection),
        layers: () => {},
        renegotiate: () => {},
        speakers: (told) => this.speakers.push({ at: performance.now(), ...told }),
        quality: () => {},
        lost: () => {},
        closed: () => {},
      });
    });
    this.links = new MediaLinks(
      {
        publish: (sdp, sources, hints) => this.client.publish(sdp, sources, hints),
        subscribe: (demand) => this.client.subscribe(demand),
        answer: (sdp) => this.client.answer(sdp),
        renewMedia: () => this.client.renewMedia(),
      },
      () => this.#listen(),
    );
  }

  /** A microphone that is silent until `say`. */
  async speak() {
    const tone = new OscillatorNode(context, { frequency: this.hz });
    const syllables = new OscillatorNode(context, { frequency: SYLLABLES_HZ });
    const rising = new GainNode(context, { gain: 0.4 });
    const voice = new GainNode(context, { gain: 0.6 });
    this.volume = new GainNode(context, { gain: 0 });
    const microphone = context.createMediaStreamDestination();
    syllables.connect(rising).connect(voice.gain);
    tone.connect(voice).connect(this.volume).connect(microphone);
    tone.start();
    syllables.start();
    await this.links.send({ microphone: microphone.stream.getAudioTracks()[0] });
  }

  say(gain) {
    this.volume.gain.value = gain;
  }

  /** Everything that comes, one ear for each slot; a stream sounds in Chromium only with an element that plays it. */
  #listen() {
    for (const { mid, stream } of [...this.links.slots, ...this.links.speakers]) {
      if (this.#ears.has(mid)) continue;
      const element = Object.assign(new Audio(), { srcObject: stream, muted: true });
      void element.play();
      const ear = new AnalyserNode(context, { fftSize: FFT_SIZE, smoothingTimeConstant: 0 });
      context.createMediaStreamSource(stream).connect(ear);
      this.#ears.set(mid, { ear, element });
    }
  }

  /** Which of these people are heard now, and through which slots. */
  heard(people) {
    const bins = new Float32Array(FFT_SIZE / 2);
    const found = {};
    for (const [mid, { ear }] of this.#ears) {
      ear.getFloatFrequencyData(bins);
      const strength = ({ hz }) => bins[Math.round((hz * FFT_SIZE) / context.sampleRate)];
      const loudest = people.reduce((best, one) => (strength(one) > strength(best) ? one : best));
      if (strength(loudest) > HEARD_DB) found[loudest.hz] = mid;
    }
    return found;
  }

  /** How many packets have come in a slot. */
  async packets(mid) {
    const entries = [...(await this.links.receiver.connection.getStats()).values()];
    return entries.find((one) => one.type === "inbound-rtp" && one.mid === mid)?.packetsReceived ?? 0;
  }
}

const people = [];
let listener;

const voices = {
  /** All come in; the last of the tokens only listens. */
  async gather(tokens, hz) {
    await context.resume();
    for (const [index, token] of tokens.entries()) people.push(new Person(token, hz[index] ?? 0));
    listener = people.pop();
    await Promise.all([...people, listener].map(({ joined }) => joined));
    await Promise.all(people.map((one) => one.speak()));
    return people.map(({ id }) => id);
  },

  want: (demand) => listener.links.want(demand),
  say: (index, gain) => people[index].say(gain),
  speakers: () => listener.speakers,
  packets: (mid) => listener.packets(mid),
  mute: (index, muted) => people[index].client.command("mute", { source: "microphone", muted }),
  slots: () => ({
    named: Object.fromEntries(listener.links.slots.map(({ mid, participant_id }) => [participant_id, mid])),
    speakers: listener.links.speakers.map(({ mid }) => mid),
  }),

  /** Who is heard over a while, by pitch, longer than two syllables: {index: mid}. */
  async heard(ms = 600) {
    const found = {};
    for (const end = performance.now() + ms; performance.now() < end; ) {
      for (const [hz, mid] of Object.entries(listener.heard(people)))
        found[people.findIndex((one) => one.hz === Number(hz))] = mid;
      await new Promise((done) => setTimeout(done, 20));
    }
    return found;
  },

  /** Let somebody begin to speak: after how many milliseconds that is heard, and told. */
  async begin(index, gain, within) {
    const [person, began] = [people[index], performance.now()];
    person.say(gain);
    let heard = null;
    let told = null;
    while ((heard === null || told === null) && performance.now() - began < within) {
      await new Promise((done) => setTimeout(done, 5));
      if (heard === null && person.hz in listener.heard(people)) heard = performance.now() - began;
      const names = (one) => one.at >= began && one.speakers.some((it) => it.participant_id === person.id);
      told ??= listener.speakers.find(names)?.at - began || null;
    }
    return { heard, told };
  },
};
window.voices = voices;
