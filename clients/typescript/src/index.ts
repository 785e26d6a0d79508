// Calls of the API of Reflector Rooms. All types come from its OpenAPI document, by `make client`.

import type { paths } from "./api.js";

export type { components, operations, paths } from "./api.js";

type Method = "get" | "post" | "put" | "patch" | "delete";
/** Paths that have an operation of this method. */
export type PathOf<M extends Method> = {
  [P in keyof paths]: paths[P][M] extends object ? P : never;
}[keyof paths];
type Operation<M extends Method, P extends PathOf<M>> = paths[P][M];

type Parameters<O, Kind extends string> = O extends { parameters: { [K in Kind]?: infer Values } } ? Values : undefined;
type Sendable<Request> = Request extends { content: infer Content }
  ? Content extends { "application/json": infer Json }
    ? Json
    : FormData
  : undefined;
type Body<O> = O extends { requestBody: infer Request }
  ? Sendable<Request>
  : O extends { requestBody?: infer Request }
    ? [Request] extends [undefined]
      ? undefined
      : Sendable<NonNullable<Request>> | undefined
    : undefined;
type Part<Name extends string, Value> = [Value] extends [undefined]
  ? { [N in Name]?: never }
  : undefined extends Value
    ? { [N in Name]?: Value }
    : {} extends Value
      ? { [N in Name]?: Value }
      : { [N in Name]: Value };
/** What a call needs: `path` and `query` parameters, and a `body`. */
export type Options<O> = Part<"path", Parameters<O, "path">> &
  Part<"query", Parameters<O, "query">> &
  Part<"body", Body<O>> & { signal?: AbortSignal };
type Arguments<O> = {} extends Options<O> ? [options?: Options<O>] : [options: Options<O>];
/** What an operation answers: what its JSON says, else the answer itself, as of audio. */
export type Answer<O> = O extends { responses: { 200: { content: { "application/json": infer Json } } } }
  ? Json
  : Response;

export interface Credentials {
  token?: string;
  apiKey?: string;
}

/** What was answered instead: `code` is for programs, `detail` for people; with 422 that names each field. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: unknown,
    /** Seconds after which it may be tried again. */
    readonly retryAfter: number | undefined,
  ) {
    super(typeof detail === "string" ? detail : `The server answered ${status}.`);
    this.name = "ApiError";
  }
}

export class RoomsClient {
  readonly #address: string;

  /** `address` is that of the server, without /v1. The credentials may be changed at any time, as after signing in. */
  constructor(
    address: string,
    public credentials: Credentials = {},
  ) {
    this.#address = address.replace(/\/+$/, "");
  }

  get<P extends PathOf<"get">>(path: P, ...[options]: Arguments<Operation<"get", P>>) {
    return this.#call<Operation<"get", P>>("GET", path, options);
  }

  post<P extends PathOf<"post">>(path: P, ...[options]: Arguments<Operation<"post", P>>) {
    return this.#call<Operation<"post", P>>("POST", path, options);
  }

  patch<P extends PathOf<"patch">>(path: P, ...[options]: Arguments<Operation<"patch", P>>) {
    return this.#call<Operation<"patch", P>>("PATCH", path, options);
  }

  delete<P extends PathOf<"delete">>(path: P, ...[options]: Arguments<Operation<"delete", P>>) {
    return this.#call<Operation<"delete", P>>("DELETE", path, options);
  }

  async #call<O>(method: string, path: string, options: unknown): Promise<Answer<O>> {
    const { path: names, query, body, signal } = (options ?? {}) as Sent;
    const place = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(names?.[name])));
    const asked = new URLSearchParams();
    for (const [name, value] of Object.entries(query ?? {})) {
      if (value !== undefined && value !== null) asked.set(name, String(value));
    }
    const search = asked.toString();
    const headers = new Headers();
    if (this.credentials.token) headers.set("Authorization", `Bearer ${this.credentials.token}`);
    if (this.credentials.apiKey) headers.set("X-API-Key", this.credentials.apiKey);
    const isJson = body !== undefined && !(body instanceof FormData);
    if (isJson) headers.set("Content-Type", "application/json");
    const response = await fetch(`${this.#address}${place}${search && `?${search}`}`, {
      method,
      headers,
      body: isJson ? JSON.stringify(body) : ((body as FormData | undefined) ?? null),
      signal: signal ?? null,
    });
    const said = response.headers.get("Content-Type")?.startsWith("application/json");
    if (!response.ok) throw await refusal(response, said);
    return (said ? await response.json() : response) as Answer<O>;
  }
}

interface Sent {
  path?: Record<string, unknown>;
  query?: Record<string, unknown>;
  body?: unknown;
  signal?: AbortSignal;
}

async function refusal(response: Response, isJson: boolean | undefined): Promise<ApiError> {
  const told = isJson ? ((await response.json()) as { detail?: unknown; code?: string }) : {};
  const seconds = Number(response.headers.get("Retry-After") ?? Number.NaN);
  return new ApiError(response.status, told.code ?? "", told.detail, Number.isNaN(seconds) ? undefined : seconds);
}
