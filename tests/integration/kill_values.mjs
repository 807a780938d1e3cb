// What kill.test.mjs and its functions, which run apart from it, both know.
import {StateFun, egressMessageBuilder, messageBuilder} from '../../docs/demo/sdk.mjs';

export const out = 'test/out';
export const late_every = 10;
export const json = StateFun.jsonType('test/json');
export const to_egress = (value) => egressMessageBuilder({typename: out, value, valueType: json});
export const to_function = (name, id, value) => messageBuilder({typename: `test/${name}`, id, value, valueType: json});
