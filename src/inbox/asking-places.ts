/** Orders of one channel that a process asks for at once. */
const mostOfChannel = 2;
/** Of all channels together: a worker is left for webhooks that say everything themselves. */
const mostOfAll = 3;

type Asking = {
  readonly merchant_id: string;
  readonly channel_id: string;
  readonly topic: string;
};

/**
 * The places that a process has for asking channels for orders. A channel that does not answer
 * keeps those who ask it until its timeout, and would else keep every worker of the inbox. Where
 * the places are taken, webhooks of the topics that are asked for are left for later.
 */
export class AskingPlaces {
  readonly #taken = new Map<string, number>();
  /** Topics that were asked for, by channel: what is told whole does not wait for them. */
  readonly #topics = new Map<string, Asking>();
  #all = 0;

  /** Takes a place to ask for the order of a webhook. False: there is none. */
  take(asking: Asking): boolean {
    const { merchant_id, channel_id, topic } = asking;
    this.#topics.set(JSON.stringify([merchant_id, channel_id, topic]), {
      merchant_id,
      channel_id,
      topic,
    });
    if (!this.#isFree(asking)) return false;
    const channel = channelOf(asking);
    this.#taken.set(channel, (this.#taken.get(channel) ?? 0) + 1);
    this.#all += 1;
    return true;
  }

  leave(asking: Asking): void {
    const channel = channelOf(asking);
    const left = (this.#taken.get(channel) ?? 0) - 1;
    if (left > 0) this.#taken.set(channel, left);
    else this.#taken.delete(channel);
    this.#all -= 1;
  }

  /** Topics for which there is no place now. */
  full(): readonly Asking[] {
    if (this.#all < mostOfChannel) return [];
    return [...this.#topics.values()].filter((asking) => !this.#isFree(asking));
  }

  #isFree(asking: Asking): boolean {
    return this.#all < mostOfAll && (this.#taken.get(channelOf(asking)) ?? 0) < mostOfChannel;
  }
}

function channelOf({ merchant_id: merchantId, channel_id: channelId }: Asking): string {
  return JSON.stringify([merchantId, channelId]);
}
