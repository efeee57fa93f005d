/** The icon, drawn: a price, and the fan of where it may go. As SVG, and as PNG in the sizes that phones ask for. */

import { deflateSync } from "node:zlib";

const GROUND = [11, 15, 20];
// Strokes on a square of one: points, half a width, colour.
const STROKES = [
  { points: [[0.14, 0.36], [0.26, 0.3], [0.36, 0.44], [0.5, 0.4]], half: 0.026, colour: [230, 237, 243] },
  { points: [[0.5, 0.4], [0.86, 0.26]], half: 0.018, colour: [86, 180, 233] },
  { points: [[0.5, 0.4], [0.86, 0.76]], half: 0.018, colour: [230, 159, 0] },
  { points: [[0.5, 0.4], [0.86, 0.54]], half: 0.034, colour: [240, 228, 66] },
];

/** The icon as SVG. */
export function svg() {
  const hex = (colour) => `#${colour.map((part) => part.toString(16).padStart(2, "0")).join("")}`;
  const lines = STROKES.map(({ points, half, colour }) => {
    const path = points.map(([x, y]) => `${Math.round(x * 512)},${Math.round(y * 512)}`).join(" ");
    return `<polyline points="${path}" stroke="${hex(colour)}" stroke-width="${Math.round(half * 1024)}"/>`;
  });
  const style = 'fill="none" stroke-linecap="round" stroke-linejoin="round"';
  const ground = `<rect width="512" height="512" rx="96" fill="${hex(GROUND)}"/>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 512 512">${ground}<g ${style}>${lines.join("")}</g></svg>\n`;
}

/** The icon as PNG, a square without round corners: phones cut their own. */
export function png(size) {
  const rows = Buffer.alloc(size * (1 + size * 3));
  for (let y = 0; y < size; y += 1) {
    for (let x = 0; x < size; x += 1) {
      const at = y * (1 + size * 3) + 1 + x * 3;
      shade((x + 0.5) / size, (y + 0.5) / size, size).forEach((part, place) => {
        rows[at + place] = part;
      });
    }
  }
  const head = Buffer.alloc(13);
  head.writeUInt32BE(size, 0);
  head.writeUInt32BE(size, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
  const data = deflateSync(rows, { level: 9 });
  return Buffer.concat([signature, chunk("IHDR", head), chunk("IDAT", data), chunk("IEND", Buffer.alloc(0))]);
}

function shade(x, y, size) {
  let colour = GROUND;
  for (const stroke of STROKES) {
    const away = Math.min(...stroke.points.slice(1).map((end, place) => distance(x, y, stroke.points[place], end)));
    const cover = Math.min(1, Math.max(0, (stroke.half - away) * size + 0.5));
    colour = colour.map((part, place) => Math.round(part + (stroke.colour[place] - part) * cover));
  }
  return colour;
}

function distance(x, y, [ax, ay], [bx, by]) {
  const [dx, dy] = [bx - ax, by - ay];
  const along = Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy)));
  return Math.hypot(x - ax - along * dx, y - ay - along * dy);
}

function chunk(name, data) {
  const body = Buffer.concat([Buffer.from(name, "latin1"), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  body.copy(framed, 4);
  framed.writeUInt32BE(checksum(body), body.length + 4);
  return framed;
}

function checksum(bytes) {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit += 1) sum = sum & 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1;
  }
  return (sum ^ 0xffffffff) >>> 0;
}
