/** The page. */

import type { JSX } from "preact";
import { clock, dispatch, isPaused, look, sheet, want } from "../store.ts";
import { Folds } from "./folds.tsx";
import { Header, Warnings } from "./header.tsx";
import { Working } from "./outcome.tsx";
import { Positions } from "./positions.tsx";
import { NoLink, Sheet } from "./sheets.tsx";
import { Signals } from "./signals.tsx";

const SIGN_IN = "/sign-in";

/** All of it. */
export function App(): JSX.Element {
  const { known } = look();
  return (
    <>
      <Header />
      <Banner />
      <main>
        {known.status ? (
          <>
            <Warnings />
            <Positions />
            <Signals />
            <Folds />
          </>
        ) : (
          <p class="nothing">No figure is shown until the trader is heard.</p>
        )}
      </main>
      <Actions />
      <Sheet />
    </>
  );
}

function Banner(): JSX.Element | null {
  const { known, linked, away, silence } = look();
  if (linked) return null;
  if (away.signedOut) {
    return (
      <p class="banner" role="status">
        <b>Signed out.</b> <a href={SIGN_IN}>Sign in</a>
      </p>
    );
  }
  if (!known.status && silence < 1) return null; // a page that has just been opened
  return (
    <p class="banner" role="status">
      <b>
        NO LINK <span aria-hidden="true">{Math.floor(silence)} s</span>
      </b>
      {away.words && away.words !== "connecting" ? `: ${away.words}` : ""}
      {known.status ? ". Nothing below is so now." : ""}
    </p>
  );
}

function Actions(): JSX.Element | null {
  const { known, linked } = look();
  if (!known.status) return null;
  const paused = linked && isPaused();
  const pause = (): void => {
    if (isPaused()) return;
    const wish = want("pause");
    dispatch(wish, { type: "tap", at: clock() });
  };
  const flatten = (): void => {
    sheet.value = want("flatten").key;
  };
  return (
    <footer>
      <Working />
      {!linked && <NoLink />}
      <div class="two">
        <button type="button" class="pause" aria-disabled={paused} onClick={pause}>
          {paused ? "Entries are paused" : "Pause entries"}
        </button>
        <button type="button" class="danger" onClick={flatten}>
          Flatten all…
        </button>
      </div>
    </footer>
  );
}
