// Keeps the shell of the page, which is named by its hash, and nothing else: no figure is ever kept on the phone.
const NAME = "shell-4edd6c00c79dbf7f";
const SHELL = ["/","/assets/index-BEBh-yxF.css","/assets/index-D1yHrUbC.js","/manifest.webmanifest","/icon-180.png","/icon-192.png","/icon-512.png","/icon.svg"];

self.addEventListener("install", (event) => {
  const fresh = SHELL.map((path) => new Request(path, { cache: "reload" }));
  event.waitUntil(caches.open(NAME).then((cache) => cache.addAll(fresh)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const old = (names) => Promise.all(names.filter((name) => name !== NAME).map((name) => caches.delete(name)));
  event.waitUntil(caches.keys().then(old).then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== location.origin || !SHELL.includes(url.pathname)) return;
  const kept = () => caches.open(NAME).then((cache) => cache.match(url.pathname));
  event.respondWith(kept().then((found) => found ?? fetch(event.request)));
});
