mod conditions;
mod uploads;
